"""What needs a person is raised, told to somebody, and told again until somebody takes care."""
