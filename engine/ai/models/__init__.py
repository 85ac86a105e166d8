"""The models behind the seats, each through its own SDK. Import a module only where its model is configured."""
