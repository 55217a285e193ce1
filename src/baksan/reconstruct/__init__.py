"""The standard reconstruction: answers by rules that a person wrote, without any learning.

What to use when
----------------
`digits.read_number`      read a picture of a number, character by character
`digits.read_digit`       read a picture of one digit
"""
