"""Headlines and the mood of the crowd, for the models to judge. Off until an address is configured."""
