"""What becomes of an image on its way to a model: views, crops, augmentation, erasing, corruptions."""
