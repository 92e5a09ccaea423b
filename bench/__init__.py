"""What the product costs, each figure beside the bare SDK or a minimal Textual app measured in the same run."""
