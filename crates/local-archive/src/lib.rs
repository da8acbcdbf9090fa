//! Folders of photos, tables and description files become observations and tracks; an unreadable photo becomes a reason.
