"""Forms of requests and answers: what is validated, and what the OpenAPI file says."""
