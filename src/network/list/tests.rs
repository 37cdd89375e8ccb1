//! Lists as people and feeds really write them.
