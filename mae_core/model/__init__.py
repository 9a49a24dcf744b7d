"""The networks: masking, positions, encoder, masked autoencoder, targets, classifier, initial weights."""
