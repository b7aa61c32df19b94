// SPDX-License-Identifier: Apache-2.0
import Linux
import Queue
import Supervisor

extension EventLoop: QueueClock {}
