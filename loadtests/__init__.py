"""Load tests with Locust: thousands of people who speak the real protocol (``make load``)."""
