# SPDX-License-Identifier: Apache-2.0
output "topic_arns" {
  description = "For outbox.route or OUTBOX_TOPIC_ARN, by the names of topics."
  value       = { for name, topic in aws_sns_topic.this : name => topic.arn }
}

output "queue_urls" {
  description = "For OUTBOX_QUEUE_URL, by the names of queues."
  value       = { for name, queue in aws_sqs_queue.this : name => queue.url }
}

output "dead_letter_queue_arns" {
  description = "What aws sqs start-message-move-task takes as --source-arn, by the names of queues."
  value       = { for name, queue in aws_sqs_queue.dead : name => queue.arn }
}

output "undelivered_queue_urls" {
  description = "What SNS could not deliver, by the names of topics."
  value       = { for name, queue in aws_sqs_queue.undelivered : name => queue.url }
}

output "kms_key_arn" {
  description = "The key that encrypts topics and queues."
  value       = local.kms_key_arn
}

output "policy_arns" {
  description = "relay, check and, with queues, consumer: to attach to the roles that run them."
  value = merge(
    { relay = aws_iam_policy.relay.arn, check = aws_iam_policy.check.arn },
    { for policy in aws_iam_policy.consumer : "consumer" => policy.arn },
  )
}

output "role_arns" {
  description = "With eks: the roles relay and consumer, for the annotation eks.amazonaws.com/role-arn of the service accounts."
  value       = { for name, role in aws_iam_role.pod : name => role.arn }
}

output "function_names" {
  description = "The Lambda functions in AWS, by their names here."
  value       = { for name, function in aws_lambda_function.this : name => function.function_name }
}
