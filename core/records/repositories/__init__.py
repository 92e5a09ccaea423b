"""One repository a subject; each method that writes is one commit."""
