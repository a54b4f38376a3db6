//! The user interface of CAR: pages, components and server functions, the same code on server and client.
