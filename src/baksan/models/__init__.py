"""Models a(x): immutable functions of the features with parameters to find.

`base`    what every model answers
`linear`  a(x) = ⟨w, x⟩ with x_0 = 1
`cuts`    rectangular cuts, written by hand or found
`imputed`  a model of events that lack features
`network`  feed-forward: layers of neurons; its `passes`, `activations`, `encoding`
`ensemble` several networks, and their mean
"""
