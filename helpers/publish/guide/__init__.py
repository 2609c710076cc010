"""The teacher's guide: one page to print, with what a teacher wants to know of each lesson."""
