"""What other implementations of AWS say: Amazon's own DynamoDB and ElasticMQ in place of moto's and ours; LocalEmu."""
