"""Where X comes from: events made by a program that knows the answer.

What to use when
----------------
`telescope.events`        image parameters of a Cherenkov telescope, gamma or hadron
`digits.digits`           small pictures of single digits, from printed to handwritten
`digits.number_image`     one picture of a whole number such as '504192'

The same arguments give the same events, on any number of processes and in blocks of any size.
"""
