"""LocalEmu: the stack as CloudFormation creates it there, and our functions' packages under Lambda's own client."""
