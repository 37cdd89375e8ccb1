//! Beadle: one binary that makes security appliances scriptable.
