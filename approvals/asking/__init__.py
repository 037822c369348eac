"""What was asked of one person: the link, the answers, and whether the data says that it is done."""
