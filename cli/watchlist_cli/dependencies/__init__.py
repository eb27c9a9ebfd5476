"""What files of projects say they depend on."""
