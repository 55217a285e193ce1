"""Where X comes from: events made by a program that knows the answer.

What to use when
----------------
`showers.thrown`          what arrives: energy, mass, direction, X_max, muons
`array.events`            showers on an array like Telescope Array or Auger: signals, times, trigger
`ground.stations_from_particles`  particles of CORSIKA on such an array
`kascade.events`          showers around the knee: electrons and muons
`waveforms.waveforms`     what the stations write down, bin by bin
`images.events`           gammas and hadrons in the pixels of a telescope's camera
`telescope.events`        image parameters of a Cherenkov telescope, without any image
`digits.digits`           small pictures of single digits, from printed to handwritten
`digits.number_image`     one picture of a whole number such as '504192'

The same arguments give the same events, on any number of processes and in blocks of any size.
"""
