"""Crops: what training reads, resized once, so that it never decodes a full photo again."""
