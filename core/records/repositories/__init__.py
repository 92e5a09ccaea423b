"""The reads and writes of each subject. Each method that writes is one commit."""
