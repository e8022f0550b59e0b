//! Every way in which a statement, a transaction or an open can go wrong.
