"""Files: pictures and documents that people upload and put beside their messages."""
