"""What the first revision is made of: its tables, and how older ones become them."""
