"""The standard reconstruction: answers by rules that a person wrote, without any learning.

What to use when
----------------
`array.standard`          direction, core, energy and observables of showers on an array
`kascade.reconstructed`   the same around the knee, with N_e and N_μ
`waveforms.by_station`    rise, area over peak, peaks of records; `by_event` of showers
`hillas.parameters`       image parameters of cleaned images; `direction`
`digits.read_number`      read a picture of a number, character by character
`digits.read_digit`       read a picture of one digit
"""
