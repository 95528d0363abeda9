"""The batteries of `nslib bench recovery`: each module measures and prints one kind of them."""
