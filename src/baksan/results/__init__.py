"""The numbers that a referee asks for: pure functions of plain arrays, errors beside each number.

What to use when
----------------
`response` `unfolding`   fractions of primaries from what a classifier says
`composition`            ⟨ln A⟩ in bins of energy; one hadronic model against another
`search`                 photons: a cut fixed before the data are opened, and limits
`weights`                another spectrum, and how many events it leaves
`telescope`              effective area, resolutions, migration, efficiency against the cut
`sensitivity`            cuts in bins of energy, and the smallest flux that is seen
`shares`                 efficiencies with the counts that are left

`simplex` holds the likelihood that `unfolding` maximises.
"""
