"""The field's formulas, each with its units, its range and its source.

What to use when
----------------
`atmosphere`          how much air lies above a height
`spectrum`            how many primaries arrive, of which mass; weights to another spectrum
`directions`          where from; distances from the axis
`depth_of_maximum`    X_max of hadrons and photons; ⟨ln A⟩ from it
`longitudinal`        Gaisser–Hillas, Greisen, energy in a profile
`muons`               how many, by mass
`lateral`             densities and signals around the axis
`energy`              S800, S1000, N_e and N_μ to energies, and back
`front`               times of arrival
`response`            what a detector makes of it
`cherenkov` `image`   light in air, and its image in a camera
`counts`              significance, limits, effective area, sensitivity

Arrays broadcast. Energies are in eV, lengths in m, times in ns, depths in g/cm², signals in VEM/m²
(scintillators) or VEM (water), angles in rad (in cameras degrees); the masses A and what is lg or
ln is said by name. Outside of its range a formula raises ValueError, or warns with `OutsideRange`
where its continuation is in use.

How far numbers can be trusted: [V] were checked in a public source, often a copy, [C] follow from
such ones, [M] are from memory (the last digits are not), [D] are this project's design: toys, tuned
so that the whole chain is realistic, and not published formulas.
"""

from __future__ import annotations

from baksan.physics.checks import OutsideRange

__all__ = ["OutsideRange"]
