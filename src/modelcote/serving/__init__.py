"""What runs in the model's own function: the predictor and its entries."""
