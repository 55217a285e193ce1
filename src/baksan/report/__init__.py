"""Figures and pages from plain arrays and dictionaries: what a referee asks to see.

What to use when
----------------
`plots`   one picture as a matplotlib Figure: `plots.loss_against_iteration(histories)`
`page`    the whole report as one offline HTML text: `page.render(contents)`
"""
