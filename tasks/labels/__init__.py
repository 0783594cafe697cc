"""Labels that the models doubt: photos whose out-of-fold probabilities disagree with what the data says of them."""
