"""Sound and pictures: headers, and with `decode` every sample and frame."""
