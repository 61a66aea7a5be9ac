"""The verbs of the command `lapwing`, one file for each group of them."""
