"""From what people and models write to HTML that is safe to show. Knows no model and no request."""
