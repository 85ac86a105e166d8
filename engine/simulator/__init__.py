"""A simulated exchange over real HTTP and WebSocket, with faults on demand; nothing else in engine imports it."""
