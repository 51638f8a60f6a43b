"""What runs beside the model: the predictor and its doors."""
