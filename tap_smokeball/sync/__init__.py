"""How streams are read: lists, parents, children, bookmarks."""
