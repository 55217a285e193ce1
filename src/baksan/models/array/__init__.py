"""Networks over the stations of an array: what is seen, how it is passed on, what is answered."""
