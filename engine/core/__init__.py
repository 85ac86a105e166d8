"""The decision core: state, pipeline, risk. Synchronous, reads no clock, opens nothing."""
