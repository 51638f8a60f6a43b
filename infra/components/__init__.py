"""The program's building blocks: each a frozen `Args` dataclass and a component resource."""
