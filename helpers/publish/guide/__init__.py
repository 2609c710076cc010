"""The teacher's guide: one page to print, with what a teacher needs to know about each lesson."""
