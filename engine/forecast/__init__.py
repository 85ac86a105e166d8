"""Price forecasts: features, splits, baselines, honest evaluation, the model file, and inference without TensorFlow."""
