"""The shapes of the wire: what requests may say and what answers look like."""
