// SPDX-License-Identifier: Apache-2.0
import Queue
import Supervisor

extension EventLoop: QueueClock {}
