//! Stores on a file system, under one folder that nothing leaves.
