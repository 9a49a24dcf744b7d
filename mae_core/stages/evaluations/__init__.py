"""What is done with an encoder once it is trained: tuned, probed, shown shifted images, asked to reconstruct."""
