"""alflow: active learning for images with the posterior of a vision-language model."""
