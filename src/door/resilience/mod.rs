//! The resilience layer.
