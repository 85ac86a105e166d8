"""Training a forecaster: TensorFlow lives in a child process (`python -m headless.training`) and nowhere else."""
